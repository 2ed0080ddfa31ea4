B
Identity:0Jm!!¼˜è%=¯¡ø<RÏ<èS½È<