Bout0J$EÀ?LT'FQ_wàa:
NC1a€I]q5?