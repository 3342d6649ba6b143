package street

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/ui"
)

//go:embed pages
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Clock is the neighbourhood's one clock. Advance goes forward through every
// due event in order and returns when all due work is done.
type Clock interface {
	Now() time.Time
	Offset() time.Duration
	Advance(ctx context.Context, d time.Duration) error
}

// Config is what the street needs. All URLs are origins without a path.
type Config struct {
	// Services is every role of the neighbourhood with its URL, in the order
	// in which /services.json lists them. The street finds the roles "cards",
	// "phone", "issuer" and "portal" here; a role that is not listed is said
	// not to run.
	Services []Service
	// Readers are the slots of terminals. Phones tell their own.
	Readers []Reader
	// Origin is the street's own browser origin, for the lines that fetch
	// from it.
	Origin string
	// Token is the operator token: sent to the roles' sandbox controls, and
	// asked from whoever posts to /trace or turns the clock.
	Token httpd.OperatorToken
	// Assertion makes the client assertion of role street for the audience,
	// which opens the issuer's outbox. Nil: the mailboxes say that they could
	// not be read.
	Assertion func(ctx context.Context, audience string) (string, error)
	// Shop opens the key under which the trial counter is registered. Nil: it is closed.
	Shop func(ctx context.Context) (ShopKey, error)
	// Progress is how far the neighbourhood is made, as of now. Nil: done.
	Progress func() Progress
	// People lists the residents that exist by now.
	People func(ctx context.Context) ([]Person, error)
	// Answering are the residents who answer by themselves, whether they exist by now or
	// not. Prepare makes one on first use; needed where there are any.
	Answering []Person
	Prepare   func(ctx context.Context, id string) error
	// Secrets reads DIR/sandbox-secrets.json, each time that a person asks.
	Secrets func() (Secrets, error)
	// Clock is the neighbourhood's clock.
	Clock Clock
	// Client calls the roles; nil is httpd.Client of 5 s.
	Client *http.Client
	// Log is for operators; nil drops.
	Log *slog.Logger
}

// Handler serves the street. Make it with New, stop it with Close.
type Handler struct {
	conf     Config
	site     *ui.Site
	roles    roles
	ring     *ring
	stranger stranger
	signed   signedFiles
	log      *slog.Logger

	work     sync.WaitGroup // the one walk of the clock that a page began
	ctx      context.Context
	stop     context.CancelFunc
	mu       sync.Mutex // guards walking, walkErr
	walking  time.Duration
	walkErr  error
	toldOCSP bool // guarded by mu: what the responder was last told to be
}

// New parses the pages. An error is a mistake in the configuration or in a
// page, never a party that is away: those are said on the pages.
func New(conf Config) (*Handler, error) {
	switch {
	case conf.Token.IsZero():
		return nil, errors.New("street: no operator token")
	case conf.Clock == nil:
		return nil, errors.New("street: no clock")
	case conf.People == nil || conf.Secrets == nil:
		return nil, errors.New("street: people and secrets are functions and both needed")
	}
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		return nil, fmt.Errorf("street: %w", err)
	}
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("street: %w", err)
	}
	site, err := ui.NewSite(ui.Party{
		ID: "street", Name: ui.Text{JA: "手形通り", EN: "Tegata Street"}, Mark: "street", Sandbox: true,
	}, pages, static)
	if err != nil {
		return nil, fmt.Errorf("street: %w", err)
	}
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{conf: conf, site: site, log: conf.Log, roles: newRoles(conf), ring: newRing(ringEvents, ringBytes)}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h, nil
}

// Close ends what pages began in the background and waits for it.
func (h *Handler) Close() {
	h.stop()
	h.work.Wait()
}
