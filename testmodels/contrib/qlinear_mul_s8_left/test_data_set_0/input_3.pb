Bin3J
ˆ³ŽU·–KÒ+H