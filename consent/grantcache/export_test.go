package grantcache

import "sluice/consent"

// Sealed is what stands in Redis for a grant: its key and its value.
func (r *Redis) Sealed(g consent.Grant, at consent.Position) (key string, value []byte, err error) {
	value, err = r.sealed(g, at)
	return r.name(g.ID()), value, err
}
