package tsp

import (
	"context"
	"crypto"
	"fmt"
	"net/http"

	"tegata/internal/httpd"
)

// Client asks a time-stamp authority over HTTP (RFC 3161, 3.4).
type Client struct {
	URL  string
	HTTP *http.Client // has a time-out and follows no redirects
}

// Stamp asks for a time-stamp over a digest. The token is opened, as Request.Check
// does, and in DER; whether its authority may be believed is the caller's to check.
//
// Errors: those of Request.Check, and whatever keeps the authority from being
// reached.
func (c Client) Stamp(ctx context.Context, h crypto.Hash, digest []byte) (*Token, []byte, error) {
	r := NewRequest(h, digest)
	query, err := r.Marshal()
	if err != nil {
		return nil, nil, err
	}
	reply, header, err := httpd.Exchange(ctx, c.HTTP, http.MethodPost, c.URL, query, httpd.Header{Name: "Content-Type", Value: QueryMediaType})
	if err != nil {
		return nil, nil, fmt.Errorf("tsp: %w", err)
	}
	if got := header.Get("Content-Type"); got != ReplyMediaType {
		return nil, nil, fmt.Errorf("%w: the authority answered with %q", ErrMalformed, got)
	}
	return r.Check(reply)
}
