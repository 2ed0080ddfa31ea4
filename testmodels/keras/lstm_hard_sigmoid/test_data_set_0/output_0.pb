B
Identity:0J ¾˜«:nÔ>u<ñaù<½¥Ž;–I;>õT=eì‰>