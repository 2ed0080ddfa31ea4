Bin0J
ף<