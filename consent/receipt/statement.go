package receipt

import "time"

// Statement is what a receipt says: its claims. Each has a name of its own, since
// they are told apart by upper and lower case.
type Statement struct {
	Issuer   string    `json:"iss"`
	IssuedAt int64     `json:"iat"` // seconds since 1970
	ID       string    `json:"jti"`
	Consent  Agreement `json:"consent"`
}

// Agreement is a consent at one revision. The words of its lists are those of the
// contract, e.g. "REVOKED".
type Agreement struct {
	ID               string    `json:"id"`
	Revision         int64     `json:"revision"`
	Status           string    `json:"status"`
	Bank             Party     `json:"bank"`
	Partner          Party     `json:"partner"`
	Customer         string    `json:"customer_id"` // as the bank calls them
	Purpose          string    `json:"purpose"`
	PurposeText      string    `json:"purpose_text"`
	Shares           []Share   `json:"shares"` // none are left once every account was withdrawn
	LookBackDays     int       `json:"look_back_days"`
	ValidUntil       time.Time `json:"valid_until"`
	RetentionDays    int       `json:"retention_days"`
	UnattendedPerDay int       `json:"unattended_per_day"`
	OneTime          bool      `json:"one_time"`
	RequestedAt      time.Time `json:"requested_at"`
	Changes          []Change  `json:"changes"` // every one, oldest first
	// FinalBy is a moment by which nothing released under an earlier revision could
	// leave any more, on any replica; nil if the consent has not ended, or that was
	// not known yet.
	FinalBy *time.Time `json:"final_by,omitempty"`
}

// Party is a bank or a partner.
type Party struct {
	ID   string `json:"id"`
	Name string `json:"name"` // as it was registered when the receipt was made
}

// Share is what one account shares.
type Share struct {
	Account  string   `json:"account_id"` // as the bank calls it
	Clusters []string `json:"data_clusters"`
}

// Change is how a revision came about.
type Change struct {
	Revision int64     `json:"revision"`
	Kind     string    `json:"kind"`
	Who      string    `json:"who"`              // the role
	WhoID    string    `json:"who_id,omitempty"` // of the parties; nobody else is named
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"`
	Status   string    `json:"status"` // after it
}
