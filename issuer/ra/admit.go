package ra

import (
	"context"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
)

// Admit authenticates a caller by its Authorization header and demands a role:
// ErrCaller or ErrCallerRole otherwise, or a problem that could not be checked.
func (r *RA) Admit(ctx context.Context, authorization string, role pki.Role, at time.Time) (ceremony.Caller, error) {
	d := ceremony.Door{Audience: r.config.URL, Path: r.partyPath, Once: r.once}
	caller, err := d.Enter(ctx, authorization, at)
	if err != nil {
		return ceremony.Caller{}, because(ErrCaller, err)
	}
	if !r.hasRole(caller.Leaf, role) {
		return ceremony.Caller{}, ErrCallerRole.With("role", string(role))
	}
	return caller, nil
}
