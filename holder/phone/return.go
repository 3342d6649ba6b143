package phone

import (
	"errors"
	"net/url"
	"slices"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// wayBack puts the redirect that was checked in the place of the one that a verifier's
// refusal came with: scripts and pages have the problem alone, and send browsers there.
func wayBack(err error, checked string) error {
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok || prob.Extra["redirect"] == nil {
		return err
	}
	prob = prob.With("redirect", checked)
	if checked == "" {
		delete(prob.Extra, "redirect") // of the copy
	}
	return prob
}

// returns tells whether a browser may be sent to address: a registered return
// address with one parameter more.
func returns(r ceremony.Registration, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Fragment != "" {
		return false
	}
	u.RawQuery = ""
	return slices.Contains(r.ReturnURLs, u.String())
}
