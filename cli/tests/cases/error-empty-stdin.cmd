check - < /dev/null
