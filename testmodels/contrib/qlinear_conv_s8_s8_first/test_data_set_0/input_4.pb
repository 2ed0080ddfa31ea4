Bin7J
