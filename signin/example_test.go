package signin_test

import (
	"context"
	"errors"
	"log"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

func ExampleClient_SignIn() {
	client, err := signin.New(signin.Config{
		SignInName:  "alice@contoso.com",
		Credentials: signin.Password{User: `CONTOSO\alice`, Secret: "..."},
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.SignIn(context.Background())
	if errors.Is(err, ocserr.InvalidPassword) {
		log.Fatal(client.Report().Error.Remedy)
	} else if err != nil {
		log.Fatal(err) // code, stage, cause and remedy in one line
	}
	defer session.SignOut(context.Background())
	_ = session.SetStatus(context.Background(), status.Busy)
}
