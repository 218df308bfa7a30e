DELETE FROM links WHERE purpose = 'choose';
DELETE FROM link_purposes WHERE code = 'choose';
