package street

import (
	"context"
	"net/http"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/trace"
)

// Sender brings another role's trace events to the street over HTTP. What a
// role does never waits for it: events beyond its queue are dropped.
type Sender struct {
	url    string
	token  httpd.OperatorToken
	client *http.Client
	queue  chan trace.Event
}

// senderQueue is how many events wait; a card's whole dump is some hundred.
const senderQueue = 2048

// NewSender sends to the street at origin. Its Run must be going.
func NewSender(origin string, token httpd.OperatorToken, client *http.Client) *Sender {
	if client == nil {
		client = httpd.Client(callTimeout)
	}
	return &Sender{url: origin + "/trace", token: token, client: client, queue: make(chan trace.Event, senderQueue)}
}

// Sink is what a role notes its events with.
func (s *Sender) Sink() trace.Sink {
	return func(_ context.Context, e trace.Event) {
		select {
		case s.queue <- e:
		default: // the page is for looking, the work is not
		}
	}
}

// Run sends until ctx ends, in batches: at most 64 events, at least every
// 100 ms while there are any. A batch that does not arrive is dropped.
func (s *Sender) Run(ctx context.Context) error {
	for {
		var batch []trace.Event
		size := 0
		add := func(e trace.Event) {
			batch = append(batch, trim(e))
			size += len(e.PEM) + 1<<10
		}
		select {
		case <-ctx.Done():
			return nil
		case e := <-s.queue:
			add(e)
		}
		full := time.After(100 * time.Millisecond)
	gather:
		for len(batch) < 64 && size < maxBody/2 {
			select {
			case <-ctx.Done():
				return nil
			case e := <-s.queue:
				add(e)
			case <-full:
				break gather
			}
		}
		// Nothing is done about a street that is away: it has no one to show
		// these events to.
		_ = httpd.PostJSON(ctx, s.client, s.url, batch, nil, s.token.Bearer())
	}
}
