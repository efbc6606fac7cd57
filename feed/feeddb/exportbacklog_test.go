package feeddb

// SelectBacklog is what an operator's look runs for each partner.
func (s *Store) SelectBacklog() string { return s.text(selectBacklog) }
