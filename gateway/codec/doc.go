// Package codec lets gRPC carry messages that are already encoded.
//
// A Raw goes out as the bytes it holds; a *Frame takes an answer in without
// decoding it. Every other message is encoded as protobuf, as always. On the
// wire nothing differs: peers see plain "application/grpc+proto".
package codec
