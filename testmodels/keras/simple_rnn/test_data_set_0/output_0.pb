B
Identity:0J—¨à¾d¿Ã>„¿p>	£Ú>Œ£I¾°ª¾