//! The heavy operations: a linear layer over packed weights, and attention over the token tree, each portable
//! (candle, any device) and for AVX-512 BF16 processors (found out at run time).
