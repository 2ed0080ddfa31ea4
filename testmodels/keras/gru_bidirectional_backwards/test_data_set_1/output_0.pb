B
Identity:0J$V"? ›¾wòC?0ãs>W*o=V‚1?\9q>ïœc¿SX¿