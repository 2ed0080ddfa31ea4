Bin7J
×#=