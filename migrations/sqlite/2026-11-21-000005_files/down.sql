DROP TABLE files;
DROP TABLE file_types;
