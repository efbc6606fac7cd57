package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// RefusedError is an error of the authorization server.
type RefusedError struct{ Code, Description string }

func (r *RefusedError) Error() string { return r.Code + ": " + r.Description }

// Is says that a grant that is used up is over.
func (r *RefusedError) Is(target error) bool { return target == ErrOver && r.Code == "invalid_grant" }

type detail struct {
	Type         string   `json:"type"`
	Bank         string   `json:"bank"`
	Clusters     []string `json:"data_clusters"`
	Purpose      string   `json:"purpose"`
	Text         string   `json:"purpose_text"`
	LookBackDays int      `json:"look_back_days,omitempty"`
	ExpiresAt    string   `json:"expires_at"`
	Access       access   `json:"access"`
	Retention    int      `json:"retention_days"`
}

type access struct {
	UnattendedPerDay int `json:"unattended_per_day"`
}

func (a Ask) details() (string, error) {
	text, err := json.Marshal([]detail{{
		Type: "account_data", Bank: a.Bank, Clusters: a.Clusters, Purpose: a.Purpose, Text: a.Text, LookBackDays: a.LookBackDays,
		ExpiresAt: a.Until.UTC().Format(time.RFC3339), Access: access{a.UnattendedPerDay}, Retention: a.RetentionDays,
	}})
	if err != nil {
		return "", fmt.Errorf("write what is asked for: %w", err)
	}
	return string(text), nil
}

// tokenAnswer is a token answer (RFC 6749, 5.1; RFC 9396, 7).
type tokenAnswer struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int64  `json:"expires_in"`
	Details   []struct {
		Consent string `json:"consent_id"`
	} `json:"authorization_details"`
}

func (t tokenAnswer) grant(at time.Time) (Grant, error) {
	if t.Access == "" || len(t.Details) != 1 || t.Details[0].Consent == "" {
		return Grant{}, errors.New("redeem code: the answer says nothing of a consent")
	}
	return Grant{Consent: t.Details[0].Consent, access: t.Access, refresh: t.Refresh, ends: t.ends(at)}, nil
}

func (t tokenAnswer) ends(at time.Time) time.Time {
	return at.Add(time.Duration(t.ExpiresIn) * time.Second)
}

func read(resp *http.Response, into any) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	}
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(raw, &said) != nil || said.Error == "" {
		return fmt.Errorf("the authorization server answers %s", resp.Status) //nolint:err113 // there is nothing to do about it
	}
	return &RefusedError{Code: said.Error, Description: said.Description}
}
