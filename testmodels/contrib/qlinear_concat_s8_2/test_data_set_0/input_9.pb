Bin9J
×#=