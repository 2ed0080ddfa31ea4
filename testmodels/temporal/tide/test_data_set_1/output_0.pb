BforecastJh-„¿Ü
?¤_e?8ğF¾