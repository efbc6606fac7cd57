package consent

// Position is a place in the order of changes. Each shard has an order of its
// own, dense from 1; what was read at a position has seen every change up to it.
type Position struct {
	Shard int64
	Pos   int64
}

// Notice says that a consent has a new revision.
type Notice struct {
	At       Position // zero if the place is not known
	ID       ID
	Revision int64
}
