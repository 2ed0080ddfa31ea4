Bin9J
ף<