package portal

import (
	"context"
	"errors"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/receipt"
)

// ReceiptOf asks the issuer what its ledger says, at this moment, of a phone that was
// given up: anybody who has the receipt's number may ask, such as the shop that takes
// the phone over. What it says counts by its signature, not by the line it came on. The
// error is a *problem.Problem: ErrReceiptNumber, ErrReceiptNotSigned, ErrReceiptStatus,
// the issuer's own, or that it could not be reached.
func (p *Portal) ReceiptOf(ctx context.Context, number string) (receipt.Revocation, error) {
	if !receipt.ValidNumber(number) {
		return receipt.Revocation{}, ErrReceiptNumber
	}
	var answer struct {
		Signed string `json:"signed"`
	}
	if err := httpd.GetJSON(ctx, p.client, p.config.Issuer+"/v1/revocations/"+number, &answer); err != nil {
		return receipt.Revocation{}, err
	}
	at := p.at()
	checker := receipt.Checker{Ops: p.config.Ops, Arc: p.config.Arc, Issuer: p.config.Issuer, Status: p.config.Status}
	r, err := checker.Check(ctx, answer.Signed, at)
	if err == nil {
		err = r.FreshAt(at)
	}
	if err == nil && r.ID != number {
		err = receipt.ErrIssuer // another phone's, signed as it may be
	}
	switch {
	case errors.Is(err, certpath.ErrNoStatus):
		return receipt.Revocation{}, ErrReceiptStatus.Because(err)
	case err != nil:
		return receipt.Revocation{}, ErrReceiptNotSigned.Because(err)
	}
	return r, nil
}
