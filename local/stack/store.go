package stack

import (
	"context"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// startStore starts DynamoDB Local with the template's tables, and the proxy
// through which the functions reach it.
func (s *Stack) startStore(ctx context.Context, tables []template.Table) error {
	s.progress("starting DynamoDB Local …")
	server, err := dynamolocal.Start(ctx, s.config.Progress)
	if err != nil {
		return err
	}
	s.atClose(server.Close)
	client := dynamodb.New(dynamodb.Options{
		Region:       region,
		BaseEndpoint: &server.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: credential, SecretAccessKey: credential}, nil
		}),
	})
	for _, table := range tables {
		if _, err := client.CreateTable(ctx, createTable(table)); err != nil {
			return fmt.Errorf("create table %s: %w", table.Name, err)
		}
		s.atClose(func() { // the server may be one that stays
			client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table.Name})
		})
	}
	if s.Store, err = storeproxy.Start(net.JoinHostPort(s.bind, "0"), server.Endpoint); err != nil {
		return err
	}
	s.atClose(s.Store.Close)
	s.progress("DynamoDB Local answers")
	return nil
}

func createTable(t template.Table) *dynamodb.CreateTableInput {
	input := &dynamodb.CreateTableInput{TableName: &t.Name, BillingMode: types.BillingModePayPerRequest}
	add := func(key template.Key, role types.KeyType) {
		if key.Name == "" {
			return
		}
		input.KeySchema = append(input.KeySchema, types.KeySchemaElement{AttributeName: &key.Name, KeyType: role})
		input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &key.Name, AttributeType: types.ScalarAttributeType(key.Type),
		})
	}
	add(t.Hash, types.KeyTypeHash)
	add(t.Range, types.KeyTypeRange)
	return input
}
