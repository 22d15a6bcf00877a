explain I06
