help device
