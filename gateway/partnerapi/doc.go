// Package partnerapi is the partners' gRPC door: AccountService for data,
// ConsentService for consents, EventService for what banks publish, AlertService
// for customers' answers to alerts and ConversationService for what customers and
// banks write to each other.
//
// Handlers of data can answer with a gateway.Released and nothing else: what
// they return is what goes on the wire, and an event is one too. What is said for
// a customer needs the customer present, and files that it speaks of are at hosts
// of the partner's own; nothing is fetched here.
//
// What a stream has out, given and not acknowledged, is bounded, so that
// nothing waits in the gateway for a partner that stops reading: it can still
// read 32 KiB, or one larger event, of what was released before a consent ended.
package partnerapi
