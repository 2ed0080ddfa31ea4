Bin7J
