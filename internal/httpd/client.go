package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"tegata/internal/problem"
)

// maxAnswer is how much of an answer is read: 1 MiB.
const maxAnswer = 1 << 20

// Unreachable is a party that did not answer.
var Unreachable = problem.New(problem.CouldNotCheck, http.StatusServiceUnavailable, "unreachable",
	problem.Text{Title: "相手の窓口につながりませんでした。", Detail: "何も変わっていません。少し待ってからもう一度お試しください。"},
	problem.Text{Title: "The other party could not be reached.", Detail: "Nothing was decided. Wait a moment and try again."})

// BadAnswer is a party whose answer made no sense.
var BadAnswer = problem.New(problem.CouldNotCheck, http.StatusBadGateway, "bad-answer",
	problem.Text{Title: "相手の窓口の答えを読み取れませんでした。", Detail: "少し待ってからもう一度お試しください。続くときは下の受付番号をお知らせください。"},
	problem.Text{Title: "The other party's answer could not be read.", Detail: "Wait a moment and try again; if it stays, tell us the request id."})

// Client returns the client by which one party calls another. It maps
// *.localhost to the loopback (RFC 6761, section 6.3; Go's resolver does not),
// follows no redirect, sends no cookie, knows no proxy and reads at most 1 MiB
// of an answer. timeout is for the whole exchange.
func Client(timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: timeout,
		// A redirect is an answer like any other: whoever was asked must not send
		// us elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: limited{&http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, loopback(addr))
			},
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        30 * time.Second, // less than the server's, so that we hang up first
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 32 << 10,
		}},
	}
}

// loopback maps localhost and every name below it to 127.0.0.1.
func loopback(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// limited ends an answer that is longer than maxAnswer with an error.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if id := RequestID(r.Context()); id != "" && r.Header.Get(requestIDHeader) == "" {
		r = r.Clone(r.Context())
		r.Header.Set(requestIDHeader, id)
	}
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}

// CloseIdleConnections lets http.Client end what is kept open.
func (l limited) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Header is one header of a request.
type Header struct{ Name, Value string }

// Bearer is the Authorization header with a token (RFC 6750, section 2.1).
func Bearer(token string) Header { return Header{"Authorization", "Bearer " + token} }

// GetJSON fetches url and decodes the answer into out. The error is a
// *problem.Problem: the other party's own, Unreachable, or BadAnswer. Names that
// out does not have are ignored: a party may say more than it did yesterday.
func GetJSON(ctx context.Context, c *http.Client, url string, out any, header ...Header) error {
	return exchangeJSON(ctx, c, http.MethodGet, url, nil, out, header)
}

// PostJSON sends in and decodes the answer into out, which may be nil. Its
// errors are GetJSON's. Whether a request without an answer was carried out is
// open: callers repeat it under the same id.
func PostJSON(ctx context.Context, c *http.Client, url string, in, out any, header ...Header) error {
	return sendJSON(ctx, c, http.MethodPost, url, in, out, header)
}

// PutJSON is PostJSON with the method PUT.
func PutJSON(ctx context.Context, c *http.Client, url string, in, out any, header ...Header) error {
	return sendJSON(ctx, c, http.MethodPut, url, in, out, header)
}

func sendJSON(ctx context.Context, c *http.Client, method, url string, in, out any, header []Header) error {
	body, err := json.Marshal(in)
	if err != nil {
		return problem.Internal.Because(fmt.Errorf("httpd: %w", err))
	}
	return exchangeJSON(ctx, c, method, url, body, out, append(header, Header{"Content-Type", "application/json"}))
}

func exchangeJSON(ctx context.Context, c *http.Client, method, url string, body []byte, out any, header []Header) error {
	answer, h, err := Exchange(ctx, c, method, url, body, append(header, Header{"Accept", "application/json"})...)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if media, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || media != "application/json" {
		return BadAnswer.Because(fmt.Errorf("httpd: %s answered with %q", hostOf(url), h.Get("Content-Type")))
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return BadAnswer.Because(fmt.Errorf("httpd: answer of %s: %w", hostOf(url), err))
	}
	return nil
}

// Exchange sends body (nil for none) and returns the whole answer when its
// status is 2xx. Its errors are GetJSON's.
func Exchange(ctx context.Context, c *http.Client, method, url string, body []byte, header ...Header) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, problem.Internal.Because(fmt.Errorf("httpd: %w", err))
	}
	for _, h := range header {
		req.Header.Set(h.Name, h.Value)
	}
	res, err := c.Do(req)
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, nil, fmt.Errorf("httpd: %s: %w", hostOf(url), ctx.Err())
		}
		return nil, nil, Unreachable.Because(fmt.Errorf("httpd: %s: %w", hostOf(url), err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, nil, BadAnswer.Because(fmt.Errorf("httpd: %s answered with more than %d bytes", hostOf(url), maxAnswer))
	}
	if err != nil {
		return nil, nil, Unreachable.Because(fmt.Errorf("httpd: %s: %w", hostOf(url), err))
	}
	if res.StatusCode/100 == 2 {
		return answer, res.Header, nil
	}
	if media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && media == problem.ContentType {
		var p problem.Problem
		// That a path is not there is a disagreement of programs, no word about what was asked.
		if err := json.Unmarshal(answer, &p); err == nil && p.Code != "" && p.Code != ErrNoRoute.Code && p.Code != ErrMethod.Code {
			p.Status = res.StatusCode // RFC 9457, section 3.1.2: the member is advisory, the status line is not
			return nil, nil, &p
		}
	}
	return nil, nil, BadAnswer.Because(fmt.Errorf("httpd: %s answered %d", hostOf(url), res.StatusCode))
}

// hostOf names a party in an error without the path, which may hold an id.
func hostOf(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "a URL without a scheme"
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}
