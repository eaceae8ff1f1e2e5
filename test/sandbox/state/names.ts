/** Plausible names for the seeded agency; all invented. */
export const accountNames = [
  'Blue Harbor Dental', 'Cedar Ridge Roofing', 'Bright Path Tutoring', 'Summit Physical Therapy', 'Maple Street Bakery', 'Ironwood Fitness', 'Clearview Optometry',
  'Sunset Pool Care', 'Oak & Ember Grill', 'Riverside Veterinary', 'Golden Hour Photography', 'Anchor Point Law', 'Fernway Landscaping', 'Copper Kettle Catering',
  'Pinecrest Real Estate', 'Lakeside Chiropractic', 'Urban Thread Tailors', 'North Star Insurance', 'Willow Creek Spa', 'Redwood Auto Repair', 'Silver Birch Accounting',
  'Granite Peak Plumbing', 'Coral Bay Travel', 'Meadowlark Preschool', 'Falcon Solar',
]

export const firstNames = [
  'Ava', 'Liam', 'Maya', 'Noah', 'Zoe', 'Ethan', 'Priya', 'Lucas', 'Nina', 'Omar', 'Grace', 'Hugo', 'Elena', 'Marcus', 'Ruth', 'Diego', 'Sofia', 'Felix', 'Amara', 'Jonas',
  'Keiko', 'Samuel', 'Leila', 'Victor', 'Hannah', 'Andre', 'Ingrid', 'Tariq', 'Bianca', 'Owen',
]

export const lastNames = [
  'Nguyen', 'Carter', 'Okafor', 'Silva', 'Bennett', 'Kowalski', 'Haddad', 'Fischer', 'Morales', 'Tanaka', 'Reed', 'Larsen', 'Petrov', 'Quinn', 'Sharma', 'Walsh', 'Costa',
  'Iverson', 'Mensah', 'Doyle', 'Romano', 'Sato', 'Lindgren', 'Abbott', 'Vega',
]

export const zones = ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles', 'Europe/London']
