BforecastJh-„¿Ü
?¦_e?:ğF¾