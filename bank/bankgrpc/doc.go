// Package bankgrpc reaches banks over gRPC and mutual TLS. Answers are handed
// on encoded, as the bank sent them. A bank must prove with its certificate
// that it is the bank that was meant. What a bank says in an error never goes
// further than its code: it could hold data.
package bankgrpc
