package relying

import (
	"errors"

	"tegata/internal/problem"
)

// Words are a service's problems for what goes wrong on the way to the provider and back.
type Words struct {
	Declined  *problem.Problem // nothing was confirmed on the phone
	Answer    *problem.Problem // this answers nothing that the browser began
	Signature *problem.Problem // it is no signature of whoever logged in
	Provider  *problem.Problem // the provider refused the service, or said nothing that can be used
}

// Of says an error of this package in these words; every other one stays as it is.
func (w Words) Of(err error) error {
	_, refused := errors.AsType[*RefusedError](err)
	switch {
	case errors.Is(err, ErrDenied):
		return w.Declined.Because(err)
	case errors.Is(err, ErrOtherPerson):
		return w.Signature.Because(err)
	case errors.Is(err, ErrNotAsked), errors.Is(err, ErrWeak), errors.Is(err, ErrOtherSigner):
		return w.Answer.Because(err)
	case errors.Is(err, ErrProvider), refused:
		return w.Provider.Because(err)
	}
	return err
}
