package feeddb

// SelectBacklog is what an operator's look runs for each partner.
const SelectBacklog = selectBacklog
