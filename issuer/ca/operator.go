package ca

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"tegata/issuer/profile"
)

// operatorFile keeps what Create was told of the operator: names and addresses that
// stand in every certificate, beside the keys of those who sign them.
const operatorFile = "operator.json"

// ErrOtherOperator comes from Create and Open when the configuration says something
// else of the operator than when the authorities were made.
var ErrOtherOperator = errors.New("ca: the operator is fixed when the authorities are made")

// keepOperator writes the operator down, once.
func (c *CA) keepOperator() error {
	path := filepath.Join(c.config.Dir, operatorFile)
	if _, err := os.Lstat(path); err == nil {
		return c.checkOperator()
	}
	text, err := json.MarshalIndent(c.config.Operator, "", "  ")
	if err != nil {
		return fmt.Errorf("ca: operator: %w", err)
	}
	return c.config.Files.WriteFile(path, append(text, '\n'), 0o600)
}

// checkOperator compares the operator with what was written down. ErrMissing,
// ErrOtherOperator naming both.
func (c *CA) checkOperator() error {
	text, err := os.ReadFile(filepath.Join(c.config.Dir, operatorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, operatorFile)
	}
	if err != nil {
		return fmt.Errorf("ca: operator: %w", err)
	}
	var was profile.Operator
	if err := json.Unmarshal(text, &was); err != nil {
		return fmt.Errorf("ca: %s: %w", operatorFile, err)
	}
	is := c.config.Operator
	if was.Sandbox != is.Sandbox {
		return ErrOtherSide
	}
	old, now := reflect.ValueOf(was), reflect.ValueOf(is)
	for n := range old.NumField() {
		if a, b := old.Field(n).Interface(), now.Field(n).Interface(); !reflect.DeepEqual(a, b) {
			return fmt.Errorf("%w: %s was %q and is now %q", ErrOtherOperator, old.Type().Field(n).Tag.Get("json"), fmt.Sprint(a), fmt.Sprint(b))
		}
	}
	return nil
}

// checkAlgorithm compares the newest generation of an authority with the configured
// algorithm. ErrOtherOperator naming both.
func (c *CA) checkAlgorithm(i issuer) error {
	want := c.config.algorithm(i.Kind)
	if i.Algorithm != want {
		return fmt.Errorf("%w: authority %s signs with %s, and the configuration says %s; a new algorithm begins with a new generation",
			ErrOtherOperator, i.Label(), i.Algorithm, want)
	}
	return nil
}
