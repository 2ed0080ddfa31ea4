BforecastJ0Þ^ÌCãÃCÖÜCxãC§äC‡»D
ÃD%ÎDÉDn”åCþbÄCvàÙC