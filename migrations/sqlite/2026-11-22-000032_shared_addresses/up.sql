-- A mail to an address that several people read: its link is for none of them, and asks which of them answers.
INSERT INTO link_purposes (code) VALUES ('choose');
