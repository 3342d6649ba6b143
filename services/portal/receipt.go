package portal

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"tegata/internal/httpd"
)

// Receipt is what the issuer's ledger says, at this moment, of a phone that was
// given up: anybody who has the receipt's number may ask, such as the shop that
// takes the phone over.
type Receipt struct {
	Tag       string    `json:"tag"` // 8 characters that the wiped phone shows at start
	RevokedAt time.Time `json:"revoked_at"`
	Clear     bool      `json:"clear"` // nothing on that element is good or held
	AsOf      time.Time `json:"as_of"`
}

// Of says whether the tag that somebody reads off a phone is the receipt's: capital
// or small letters, spaces and hyphens as people write them.
func (r Receipt) Of(tag string) bool {
	tag = strings.ToUpper(strings.NewReplacer(" ", "", "　", "", "-", "").Replace(tag))
	return tag != "" && tag == r.Tag
}

// ReceiptOf asks the issuer. The error is a *problem.Problem: ErrReceiptNumber, the
// issuer's own, or that it could not be reached.
func (p *Portal) ReceiptOf(ctx context.Context, number string) (Receipt, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(number)
	if err != nil || len(b) != 16 {
		return Receipt{}, ErrReceiptNumber
	}
	var r Receipt
	err = httpd.GetJSON(ctx, p.client, p.config.Issuer+"/v1/revocations/"+number, &r)
	return r, err
}
