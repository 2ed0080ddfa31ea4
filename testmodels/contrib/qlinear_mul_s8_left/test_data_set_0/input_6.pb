Bin6J
×#=