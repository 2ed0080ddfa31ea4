B
Identity:0JMº{=—)Þ½/ø+¼JA!¼