Bin3J
×#=