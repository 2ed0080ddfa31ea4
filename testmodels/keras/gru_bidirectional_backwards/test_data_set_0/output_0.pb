B
Identity:0J€à9ðí\<ôt‡¾Rk”¾¹¼n>ìS¾