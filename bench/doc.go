// Command bench measures what the gate costs: the same pulls through a bare
// pass-through proxy (encoded bytes, mutual TLS on both sides) and through the
// gate, in alternating rounds of one run, against one bank. It prints CPU time
// per request of the serving process, latencies, and the ratios. Only the
// ratios of one run mean anything; the figures depend on the machine.
//
//	go run ./bench -sluice bin/sluice
//
// "bench feeds" measures events on their way from a bank to a partner, and
// "bench lookup" how grants are found where there are many.
package main
