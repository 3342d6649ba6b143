package portal

import (
	"context"
	"fmt"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/secret"
)

// SuspendByLockCode stops the phone of whoever was born that day (YYYY-MM-DD) and kept
// that lock code, for anybody who types them here, without a login. source is where
// they are, for the issuer's limit on tries. Errors are problems: the issuer's own, or
// that it could not be reached. It goes on when ctx is cancelled.
func (p *Portal) SuspendByLockCode(ctx context.Context, birth string, code secret.LockCode, source string) (time.Time, error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return time.Time{}, fmt.Errorf("portal: lost: %w", err)
	}
	body := struct {
		BirthDate string `json:"birth_date"`
		LockCode  string `json:"lock_code"`
		Source    string `json:"source"`
	}{BirthDate: birth, Source: source}
	code.Reveal(func(digits []byte) { body.LockCode = string(digits) })
	var held struct {
		At time.Time `json:"at"`
	}
	err = httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/suspensions", body, &held, header)
	return held.At, err
}
