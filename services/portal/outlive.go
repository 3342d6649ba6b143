package portal

import (
	"context"
	"time"
)

// finishing is how long what stops a phone goes on without whoever began it.
const finishing = 10 * time.Second

// outliving is a context in which a phone is stopped though the browser goes away
// meanwhile: a page that is closed, or a line that breaks, takes no suspension back.
func outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), finishing)
}
