package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
)

// tx gives both drivers the same values and the same errors.
type tx struct {
	t    *sql.Tx
	s    *used
	part *part           // of a group; nil when the transaction is the caller's alone
	life context.Context // the group's, in place of the context of one call
}

// part is what is known of the part that one Write has in a group.
type part struct {
	over   bool  // the turn is somebody else's
	failed error // the first statement that failed
}

// begin says under which context a statement runs.
func (x tx) begin(ctx context.Context) (context.Context, error) {
	switch {
	case x.part == nil:
		return ctx, nil
	case x.part.over:
		return nil, errors.New("store: the transaction is over")
	case ctx.Err() != nil:
		return nil, fmt.Errorf("store: %w", ctx.Err())
	}
	return x.life, nil
}

// failed turns a driver's error into ours and remembers it.
func (x tx) failed(err error) error {
	err = fmt.Errorf("store: %w", err)
	if x.part != nil && x.part.failed == nil {
		x.part.failed = err
	}
	return err
}

func (x tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	args, err := plain(args)
	if err != nil {
		return 0, err
	}
	if ctx, err = x.begin(ctx); err != nil {
		return 0, err
	}
	var res sql.Result
	if stmt := x.s.find(ctx, x.t, query); stmt != nil {
		res, err = stmt.ExecContext(ctx, args...)
	} else {
		res, err = x.t.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, x.failed(err)
	}
	return res.RowsAffected()
}

func (x tx) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	args, err := plain(args)
	if err != nil {
		return nil, err
	}
	if ctx, err = x.begin(ctx); err != nil {
		return nil, err
	}
	var rows *sql.Rows
	if stmt := x.s.find(ctx, x.t, query); stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		rows, err = x.t.QueryContext(ctx, query, args...)
	}
	if err != nil {
		return nil, x.failed(err)
	}
	return rows, nil
}

func (x tx) QueryRow(ctx context.Context, query string, args ...any) Row {
	args, err := plain(args)
	if err != nil {
		return row{err: err}
	}
	if ctx, err = x.begin(ctx); err != nil {
		return row{err: err}
	}
	if stmt := x.s.find(ctx, x.t, query); stmt != nil {
		return row{x: x, r: stmt.QueryRowContext(ctx, args...)}
	}
	return row{x: x, r: x.t.QueryRowContext(ctx, query, args...)}
}

type row struct {
	x   tx
	r   *sql.Row
	err error
}

func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := r.r.Scan(dest...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case err != nil:
		return r.x.failed(err)
	}
	return nil
}

// plain turns arguments into the few types that both databases store alike.
func plain(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := plainValue(a)
		if err != nil {
			return nil, fmt.Errorf("store: argument %d: %w", i+1, err)
		}
		out[i] = v
	}
	return out, nil
}

func plainValue(a any) (any, error) {
	if v, ok := a.(driver.Valuer); ok {
		var err error
		if a, err = v.Value(); err != nil {
			return nil, err
		}
	}
	switch a := a.(type) {
	case nil:
		return nil, nil
	case time.Time, time.Duration:
		return nil, fmt.Errorf("a %T is stored as an integer with the unit in the column's name", a)
	case []byte:
		if a == nil {
			return nil, nil // an empty blob is []byte{}; nil is NULL in both databases
		}
		return a, nil
	}
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		if v.Bool() {
			return int64(1), nil
		}
		return int64(0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, errors.New("the number does not fit in 63 bits")
		}
		return int64(v.Uint()), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return plainValue(v.Bytes())
		}
	case reflect.Array: // a serial or a hash
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			return b, nil
		}
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return plainValue(v.Elem().Interface())
	}
	return nil, fmt.Errorf("a %T has no column type here", a)
}
