DROP INDEX people_email;
DROP TABLE sessions;
DROP TABLE sign_in_links;
