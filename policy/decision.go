package policy

import (
	"encoding/json"
	"errors"
	"fmt"

	"sluice/consent"
	"sluice/refusal"
	"sluice/registry"
)

// decision is what the rules answered, read but not yet believed.
type decision struct {
	allow       bool
	reasons     []refusal.Reason
	permissions map[consent.AccountID]Permission
	refused     map[consent.AccountID]refusal.Reason
	from, to    consent.Day // NoDay where there is no window
	limit       int
	remaining   int
	chatPass    registry.ChatPass
}

// readDecision reads exactly the members that a decision has, no more and no
// fewer, each of its type.
func readDecision(v any) (decision, error) {
	members, err := objectOf(v, "allow", "reasons", "permissions", "refused", "window", "access", "chat_pass")
	if err != nil {
		return decision{}, err
	}
	var d decision
	var errs [7]error
	d.allow, errs[0] = is[bool](members["allow"])
	d.reasons, errs[1] = reasonsOf(members["reasons"])
	d.permissions, errs[2] = permissionsOf(members["permissions"])
	d.refused, errs[3] = refusedOf(members["refused"])
	d.from, d.to, errs[4] = windowOf(members["window"])
	d.limit, d.remaining, errs[5] = accessOf(members["access"])
	d.chatPass, errs[6] = chatPassOf(members["chat_pass"])
	if err := errors.Join(errs[:]...); err != nil {
		return decision{}, err
	}
	if d.allow != (len(d.reasons) == 0) {
		return decision{}, errors.New("a call is either allowed or refused for a reason")
	}
	if d.allow != (len(d.permissions) > 0) {
		return decision{}, errors.New("accounts are permitted if and only if the call is allowed")
	}
	return d, nil
}

func reasonsOf(v any) ([]refusal.Reason, error) {
	list, err := is[[]any](v)
	if err != nil {
		return nil, fmt.Errorf("reasons: %w", err)
	}
	var reasons []refusal.Reason
	for _, item := range list {
		reason, err := reasonOf(item)
		if err != nil {
			return nil, err
		}
		reasons = append(reasons, reason)
	}
	return reasons, nil
}

func reasonOf(v any) (refusal.Reason, error) {
	name, err := is[string](v)
	if err != nil {
		return 0, fmt.Errorf("reason: %w", err)
	}
	reason, ok := refusal.Parse(name)
	if !ok {
		return 0, fmt.Errorf("no such reason: %q", name)
	}
	return reason, nil
}

func permissionsOf(v any) (map[consent.AccountID]Permission, error) {
	object, err := is[map[string]any](v)
	if err != nil {
		return nil, fmt.Errorf("permissions: %w", err)
	}
	out := make(map[consent.AccountID]Permission, len(object))
	for account, v := range object {
		p, err := permissionOf(consent.AccountID(account), v)
		if err != nil {
			return nil, fmt.Errorf("permission: %w", err)
		}
		out[p.Account] = p
	}
	return out, nil
}

func permissionOf(account consent.AccountID, v any) (Permission, error) {
	members, err := objectOf(v, "clusters", "masked")
	if err != nil {
		return Permission{}, err
	}
	masked, err := is[bool](members["masked"])
	if err != nil {
		return Permission{}, err
	}
	names, err := is[[]any](members["clusters"])
	if err != nil {
		return Permission{}, err
	}
	p := Permission{Account: account, Masked: masked}
	for _, v := range names {
		name, err := is[string](v)
		if err != nil {
			return Permission{}, err
		}
		cluster, ok := consent.ParseCluster(name)
		if !ok {
			return Permission{}, fmt.Errorf("no such cluster: %q", name)
		}
		p.Clusters |= consent.ClustersOf(cluster)
	}
	return p, nil
}

func refusedOf(v any) (map[consent.AccountID]refusal.Reason, error) {
	object, err := is[map[string]any](v)
	if err != nil {
		return nil, fmt.Errorf("refused: %w", err)
	}
	out := make(map[consent.AccountID]refusal.Reason, len(object))
	for account, v := range object {
		reason, err := reasonOf(v)
		if err != nil {
			return nil, fmt.Errorf("refused: %w", err)
		}
		out[consent.AccountID(account)] = reason
	}
	return out, nil
}

func windowOf(v any) (from, to consent.Day, err error) {
	if v == nil {
		return consent.NoDay, consent.NoDay, nil
	}
	days, err := is[[]any](v)
	if err != nil || len(days) != 2 {
		return 0, 0, errors.New("window: want two days")
	}
	first, err1 := numberOf(days[0])
	last, err2 := numberOf(days[1])
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("window: %w", err)
	}
	return consent.Day(first), consent.Day(last), nil
}

func accessOf(v any) (limit, remaining int, err error) {
	members, err := objectOf(v, "limit", "remaining")
	if err != nil {
		return 0, 0, fmt.Errorf("access: %w", err)
	}
	limit, err1 := numberOf(members["limit"])
	remaining, err2 := numberOf(members["remaining"])
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("access: %w", err)
	}
	return limit, remaining, nil
}

// chatPassOf reads the names in ascending order, each once.
func chatPassOf(v any) (registry.ChatPass, error) {
	list, err := is[[]any](v)
	if err != nil {
		return 0, fmt.Errorf("chat_pass: %w", err)
	}
	var out registry.ChatPass
	for _, v := range list {
		name, err := is[string](v)
		if err != nil {
			return 0, fmt.Errorf("chat_pass: %w", err)
		}
		pass, ok := registry.ParseChatPass(name)
		if !ok || pass <= out {
			return 0, fmt.Errorf("chat_pass: no such thing, or out of order: %q", name)
		}
		out |= pass
	}
	return out, nil
}

func objectOf(v any, names ...string) (map[string]any, error) {
	object, err := is[map[string]any](v)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, ok := object[name]; !ok {
			return nil, fmt.Errorf("member %q is missing", name)
		}
	}
	if len(object) != len(names) {
		return nil, errors.New("there is a member too many")
	}
	return object, nil
}

func is[T any](v any) (T, error) {
	t, ok := v.(T)
	if !ok {
		return t, fmt.Errorf("want %T, have %T", t, v)
	}
	return t, nil
}

// numberOf reads a whole number of at most 32 bits.
func numberOf(v any) (int, error) {
	n, err := is[json.Number](v)
	if err != nil {
		return 0, err
	}
	i, err := n.Int64()
	if err != nil || int64(int32(i)) != i {
		return 0, fmt.Errorf("not a whole number in range: %s", n)
	}
	return int(i), nil
}
